"""The publishing service: revisions of datasets, their sources, schemas, configs and task sets."""

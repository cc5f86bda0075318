"""A portal, a dataset on it and a DAG that publishes to it, for tests of operators."""

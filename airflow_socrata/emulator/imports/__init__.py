"""The import API: files are scanned and kept, then become datasets, or rows of one."""

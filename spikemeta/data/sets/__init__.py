"""Known data sets: every file here defines ``dataset(folder=None)``, and its name is the set's; no list is kept by hand."""

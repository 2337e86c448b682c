"""What any program needs of its machine: whole files and locks, signals, memory, the compiler and its cache."""

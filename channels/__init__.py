"""One adapter per channel; knows a Message and an address, nothing else."""

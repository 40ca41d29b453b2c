"""What commands of the command line do that is more than a line; `hub.__main__` names them."""

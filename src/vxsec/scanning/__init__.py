"""What is known to be wrong with a package: the local advisory database, matching, and the account of a scan."""

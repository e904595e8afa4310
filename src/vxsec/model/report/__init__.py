"""What a use case found out, as values that ``vxsec.report`` renders and embedders read; one file per kind of report."""

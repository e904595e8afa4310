"""The attack story, told with the public facade and the test kit."""

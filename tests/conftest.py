"""Fixtures for all tests; being here, it puts this folder on the path, so that tests can import `loopback`."""

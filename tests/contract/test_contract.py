"""One item per requirement of the contract, against the mocked target or a live one. Collected by conftest.py."""

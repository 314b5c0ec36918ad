"""Independent servers of the API, written apart from the suite, for the suite to be tried on."""

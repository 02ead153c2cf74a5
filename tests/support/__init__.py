"""What tests of more than one folder build with: small suites, their pictures and their models."""

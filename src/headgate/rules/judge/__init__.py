"""Rules about those who judge: annotators, graders, labels that people or models gave."""

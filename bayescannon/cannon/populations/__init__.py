"""
Models of a survey's populations: a wide router, local models, membership, and labels of every star.

In come reference sets and trained models; out go SurveyModels, and labels with the probability of each population.
"""

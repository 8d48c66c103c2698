"""The estimator: reference set, options, trained model, training, labelling, posteriors, validation, qualification.

Spectra and a table of labels come in; a TrainedModel and Datasets of label estimates go out.
"""

"""Central intervals of a distribution, as the probabilities of their ends."""

# one standard deviation of a Gaussian on either side: 68.3 %
CENTRAL_68 = (0.158655, 0.841345)
CENTRAL_95 = (0.025, 0.975)
# quantiles that summarise a posterior
PROBABILITIES = (CENTRAL_95[0], CENTRAL_68[0], 0.5, CENTRAL_68[1], CENTRAL_95[1])

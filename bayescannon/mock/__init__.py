"""A simulated survey with a known truth: :func:`simulate_survey` in memory, :func:`write_survey` as files."""

from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator
from bayescannon.mock.survey import MockSurvey, simulate_survey, write_survey

__all__ = ["EMULATOR_LABELS", "Emulator", "MockSurvey", "simulate_survey", "write_survey"]

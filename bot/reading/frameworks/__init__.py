"""Losses of Keras, TensorFlow, scikit-learn and optax, and formulas in numpy → the same computation in torch."""

from bot.reading.frameworks.mentions import foreign_losses, keras_source
from bot.reading.frameworks.mixed import apart, names_another, numpy_alone
from bot.reading.frameworks.translation import Translation, translated

__all__ = ["Translation", "apart", "foreign_losses", "keras_source", "names_another", "numpy_alone", "translated"]

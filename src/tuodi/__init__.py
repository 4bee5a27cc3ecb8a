"""托底 Tuodi: the open system that runs medical assistance (医疗救助)."""

__version__ = "0.1.0"

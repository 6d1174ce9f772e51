"""Stack configuration, validated: one frozen object, and errors that say what to write instead.

Every key is described in docs/configuration.md. The errors of all keys are collected and raised together.
"""

from components.config.bridge import Bridge
from components.config.configuration import Configuration, Observability, Transport
from components.config.database import Database, Engine, Restore
from components.config.embedding import Embedding, Vectorizer
from components.config.indexes import FullTextKey, Index, Metric, physical_name
from components.config.loading import ConfigurationError, load
from components.config.network import BlockPublicAccess, Network
from components.config.users import Access, User

__all__ = [
    "Access",
    "BlockPublicAccess",
    "Bridge",
    "Configuration",
    "ConfigurationError",
    "Database",
    "Embedding",
    "Engine",
    "FullTextKey",
    "Index",
    "Metric",
    "Network",
    "Observability",
    "Restore",
    "Transport",
    "User",
    "Vectorizer",
    "load",
    "physical_name",
]

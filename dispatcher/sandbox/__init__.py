from dispatcher.sandbox.app import create_app
from dispatcher.sandbox.config import AccountConfig, Dialect, SandboxConfig
from dispatcher.sandbox.server import serve

__all__ = ["AccountConfig", "Dialect", "SandboxConfig", "create_app", "serve"]

"""Loads everything that commands load when they run; imported by the server that forks them."""

import pkgutil
from importlib import import_module

import temporalio.client
import temporalio.envconfig

import ordersaga

for module in pkgutil.walk_packages(ordersaga.__path__, "ordersaga."):
    if not module.name.endswith("__main__"):
        import_module(module.name)

__all__ = ["temporalio"]

"""Sources of settings besides the environment: a folder of secrets, a file, a running stack."""

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    TomlConfigSettingsSource,
)

from ordersaga.bootstrap.stack_state import chosen_data_dir, load_running
from ordersaga.errors import WrongSetting

CONFIG_FILE_VARIABLE = "ORDERSAGA_CONFIG_FILE"
SECRETS_DIR_VARIABLE = "ORDERSAGA_SECRETS_DIR"


class _SecretsSource(SecretsSettingsSource):
    """Files of a folder, named as the variables are; an empty one sets nothing."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if value != ""}


class RunningStackSource(PydanticBaseSettingsSource):
    """The addresses of the running embedded stack, unless a database is set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002  the interface's arguments
        """Nothing: the fields are given together."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values of the fields."""
        if "database_url" in self.current_state:
            return {}
        state = load_running(chosen_data_dir())
        return {} if state is None else dict(state.settings())


def secrets_source(settings_cls: type[BaseSettings]) -> tuple[PydanticBaseSettingsSource, ...]:
    """The files of the folder of secrets; raises WrongSetting if one cannot be read."""
    name = os.environ.get(SECRETS_DIR_VARIABLE)
    if not name:
        return ()
    try:
        for file in Path(name).iterdir():
            if file.is_file():
                file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{name} or a file in it cannot be read ({type(error).__name__})"
        raise WrongSetting(f"{SECRETS_DIR_VARIABLE}: {problem}") from None
    return (_SecretsSource(settings_cls, name),)


def file_source(settings_cls: type[BaseSettings]) -> tuple[PydanticBaseSettingsSource, ...]:
    """The configuration file; raises FileNotFoundError."""
    name = os.environ.get(CONFIG_FILE_VARIABLE)
    if not name:
        return ()
    path = Path(name)
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    if path.suffix == ".toml":
        return (TomlConfigSettingsSource(settings_cls, path),)
    return (DotEnvSettingsSource(settings_cls, env_file=path),)

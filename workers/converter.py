"""How payloads travel: JSON, with dataclasses, times and enumerations as pydantic writes them.

Every client and worker of ours uses it; clients in other languages send plain JSON.
"""

from temporalio.contrib.pydantic import pydantic_data_converter

DATA_CONVERTER = pydantic_data_converter

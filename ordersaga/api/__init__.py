"""The HTTP API: FastAPI on uvicorn, over the same operations as the command line."""

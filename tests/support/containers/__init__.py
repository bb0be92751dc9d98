"""docker-compose.yml run as a whole with Podman, on images made on this machine."""

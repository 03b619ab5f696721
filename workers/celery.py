"""What `celery -A workers` finds: the application of the environment's settings."""

from dispatcher.settings import Settings
from workers.app import create_app

app = create_app(Settings.from_env())

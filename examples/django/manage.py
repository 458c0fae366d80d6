"""A small shop with Django: python3 manage.py runserver. Its payments are in payments/galaxypay.py."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)

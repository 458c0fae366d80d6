# A small shop with Rails: puma --bind tcp://127.0.0.1:8000. Its payments are in app/models.
require_relative "config/environment"

run Rails.application

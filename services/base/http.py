"""Decorators for the HTTP methods that a view accepts."""

from django.views.decorators.http import require_http_methods

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])

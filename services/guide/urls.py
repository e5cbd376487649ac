"""URLs below /<language>/guide/."""

from django.urls import path

from services.guide import views

app_name = "guide"
urlpatterns = [
    path("", views.index, name="index"),
    path("<slug:slug>/", views.category, name="category"),
    path("article/<slug:slug>/", views.article, name="article"),
]

"""Editing the guide, for editors: every language of an article on one page."""

from django.contrib import admin
from django.utils.translation import pgettext_lazy
from modeltranslation.admin import TranslationAdmin

from services.accounts.admin import RoleAdmin
from services.accounts.roles import Role
from services.guide import actions
from services.guide.models import Article, Category, without_body
from services.languages.finding import folded
from services.languages.table import SPOKEN


class MissingLanguage(admin.SimpleListFilter):
    """Articles that a language does not have yet."""

    title = pgettext_lazy("staff", "missing in")
    parameter_name = "missing"

    def lookups(self, request, model_admin):
        """Every language that the portal speaks."""
        return [(language.code, language.own_name) for language in SPOKEN.values()]

    def queryset(self, request, queryset):
        """Articles without a body in it."""
        if self.value() not in SPOKEN:
            return queryset
        return queryset.filter(without_body(SPOKEN[self.value()]))


@admin.register(Article)
class ArticleAdmin(RoleAdmin, TranslationAdmin):
    """Articles."""

    open_to = (Role.EDITOR,)
    list_display = ["slug", "category", "checked_on", "is_published"]
    list_filter = ["is_published", "category", MissingLanguage]
    list_select_related = ["category"]
    search_fields = ["slug", "search_text_ja", "search_text_en"]
    actions = ["publish", "withdraw"]
    readonly_fields = ["is_published"]  # by the two actions alone

    def get_search_results(self, request, articles, typed):
        """As everybody's search compares it."""
        return super().get_search_results(request, articles, folded(typed))

    def save_model(self, request, article, form, change):
        """Through the action, so that the trail and the search know."""
        actions.save_article(article, by=request.user, changed=form.changed_data)

    @admin.action(description=pgettext_lazy("staff", "Show to everybody"))
    def publish(self, request, articles):
        """Publish what is ticked."""
        for article in articles:
            actions.publish(article, by=request.user)

    @admin.action(description=pgettext_lazy("staff", "Take off the public pages"))
    def withdraw(self, request, articles):
        """Withdraw what is ticked."""
        for article in articles:
            actions.withdraw(article, by=request.user)


@admin.register(Category)
class CategoryAdmin(RoleAdmin, TranslationAdmin):
    """Categories."""

    open_to = (Role.EDITOR,)
    list_display = ["slug", "position", "icon"]

    def save_model(self, request, category, form, change):
        """Through the action."""
        actions.save_category(category, by=request.user, changed=form.changed_data)

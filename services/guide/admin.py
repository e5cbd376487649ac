"""The guide in the admin: editors edit all languages of an article on one page."""

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import pgettext_lazy
from modeltranslation.admin import TranslationAdmin

from services.accounts.admin import RoleRestrictedAdmin
from services.accounts.roles import Role
from services.guide import actions
from services.guide.models import Article, Category, without_body
from services.languages.registry import SPOKEN
from services.languages.search_folding import folded_search_words


class MissingLanguage(admin.SimpleListFilter):
    """Filter for articles without a translation into one language."""

    title = pgettext_lazy("staff", "missing translation")
    parameter_name = "missing"

    def lookups(self, request, model_admin):
        """Return all languages of the portal."""
        return [(language.code, language.own_name) for language in SPOKEN.values()]

    def queryset(self, request, queryset):
        """Return the articles without a body in the chosen language."""
        if self.value() not in SPOKEN:
            return queryset
        return queryset.filter(without_body(SPOKEN[self.value()]))


@admin.register(Article)
class ArticleAdmin(RoleRestrictedAdmin, TranslationAdmin):
    """The guide's articles."""

    open_to = (Role.EDITOR,)
    list_display = ["slug", "category", "checked_on", "is_published"]
    list_filter = ["is_published", "category", MissingLanguage]
    list_select_related = ["category"]
    search_fields = ["slug", "search_text_ja", "search_text_en"]
    actions = ["publish", "withdraw"]
    readonly_fields = ["is_published"]  # only the two actions below change it

    def get_search_results(self, request, articles, typed):
        """Search the texts as the public search does, and the slugs."""
        words = folded_search_words(typed)
        if not words:
            return articles, False
        found = articles.containing(words, ("ja", "en")).order_by().values("pk")
        return articles.filter(Q(pk__in=found) | Q(slug__icontains=typed.strip())), False

    def save_model(self, request, article, form, change):
        """Save by the action, which writes the audit entry and the search text."""
        actions.save_article(article, by=request.user, changed=form.changed_data)

    @admin.action(description=pgettext_lazy("staff", "Publish"))
    def publish(self, request, articles):
        """Publish the selected articles."""
        for article in articles:
            actions.publish(article, by=request.user)

    @admin.action(description=pgettext_lazy("staff", "Unpublish"))
    def withdraw(self, request, articles):
        """Unpublish the selected articles."""
        for article in articles:
            actions.withdraw(article, by=request.user)


@admin.register(Category)
class CategoryAdmin(RoleRestrictedAdmin, TranslationAdmin):
    """The guide's categories."""

    open_to = (Role.EDITOR,)
    list_display = ["slug", "position", "icon"]

    def save_model(self, request, category, form, change):
        """Save by the action, which writes the audit entry."""
        actions.save_category(category, by=request.user, changed=form.changed_data)

"""Filters with a fixed choice of values: reading the choice from the rows would read the whole table."""

from collections.abc import Iterable

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest


def one_of(column: str, values: Iterable[str]) -> type[SimpleListFilter]:
    """A filter on `column` that offers `values`."""
    choices = [(str(value), str(value)) for value in values]

    class OneOf(SimpleListFilter):
        title = column.replace("_", " ")
        parameter_name = column

        def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Model]") -> list[tuple[str, str]]:
            return choices

        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            return queryset.filter(**{column: self.value()}) if self.value() else queryset

    return OneOf


def is_set(column: str, title: str) -> type[SimpleListFilter]:
    """A filter that tells rows where `column` is set from those where it is null."""

    class IsSet(SimpleListFilter):
        parameter_name = f"{column}_set"

        def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Model]") -> list[tuple[str, str]]:
            return [("1", "Yes"), ("0", "No")]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            return queryset.filter(**{f"{column}__isnull": self.value() == "0"}) if self.value() else queryset

    IsSet.title = title
    return IsSet

"""Three groups of staff: viewer, operator, administrator. Who is in none of them, and no superuser, may do nothing."""

from django.db import migrations

# Names as Django gives them. It makes permissions only after the last migration, so those that are needed are made here.
MODELS = {
    "auth": {"user": "user", "group": "group"},
    "runs": {
        "apikey": "API key",
        "artifact": "artifact",
        "auditentry": "audit entry",
        "breakerchange": "breaker change",
        "event": "event",
        "lateobservation": "late observation",
        "metric": "metric",
        "observer": "observer",
        "outboundmessage": "outbound message",
        "outboxentry": "outbox entry",
        "project": "project",
        "projection": "projection",
        "rawobservation": "raw observation",
        "run": "run",
        "runtimesession": "runtime session",
        "ticket": "ticket",
    },
    "webhooks": {
        "delivery": "delivery",
        "drainslot": "drain slot",
        "endpoint": "endpoint",
        "notice": "notice",
        "replay": "replay",
    },
}
POLICIES = ("manage_policies", "Can register and remove policies of a runtime")

VIEWER = [(app, "view", model) for app in ("runs", "webhooks") for model in MODELS[app]]
OPERATOR = [
    *VIEWER,
    ("runs", "change", "run"),
    ("runs", "add", "outboundmessage"),
    ("webhooks", "change", "delivery"),
    ("webhooks", "add", "delivery"),
    ("webhooks", "add", "replay"),
]
ADMINISTRATOR = [
    *OPERATOR,
    ("runs", "delete", "run"),
    ("runs", "add", "apikey"),
    ("runs", "change", "apikey"),
    ("runs", "add", "project"),
    ("runs", "change", "project"),
    ("runs", "manage_policies", "project"),
    ("runs", "add", "breakerchange"),
    ("webhooks", "change", "endpoint"),
    ("auth", "view", "user"),
    ("auth", "add", "user"),
    ("auth", "change", "user"),
    ("auth", "view", "group"),
]
GROUPS = {"viewer": VIEWER, "operator": OPERATOR, "administrator": ADMINISTRATOR}


def make_groups(apps, schema_editor):
    """Each group exists and has these permissions, whatever others it was given by hand."""
    database = schema_editor.connection.alias
    permissions = {right: _permission(apps, database, *right) for right in ADMINISTRATOR}
    for name, rights in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=name)
        group.permissions.add(*(permissions[right] for right in rights))


def remove_groups(apps, schema_editor):
    """Whoever was in one of them is in none."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    groups.filter(name__in=GROUPS).delete()


def _permission(apps, database, app, verb, model):
    kind, _ = (
        apps.get_model("contenttypes", "ContentType").objects.using(database).get_or_create(app_label=app, model=model)
    )
    codename, name = POLICIES if verb == "manage_policies" else (f"{verb}_{model}", f"Can {verb} {MODELS[app][model]}")
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(database)
        .get_or_create(content_type=kind, codename=codename, defaults={"name": name})
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0012_keyed_requests"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(name="project", options={"ordering": ["name"], "permissions": [POLICIES]}),
        migrations.RunPython(make_groups, remove_groups),
    ]

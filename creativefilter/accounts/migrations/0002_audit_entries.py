
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_tokens'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name='when')),
                ('actor_name', models.CharField(blank=True, max_length=150, verbose_name='name of the person')),
                ('action', models.CharField(choices=[('login', 'logged in'), ('login_failed', 'failed to log in'), ('login_delayed', 'was delayed at the login'), ('password_changed', 'password changed'), ('user_added', 'user added'), ('user_changed', 'user changed'), ('user_deleted', 'user deleted'), ('role_changed', 'role changed'), ('group_changed', 'group changed'), ('token_created', 'access token created'), ('tokens_revoked', 'access tokens revoked'), ('webhook_added', 'webhook added'), ('webhook_changed', 'webhook changed'), ('webhook_deleted', 'webhook deleted'), ('version_activated', 'model version activated'), ('creative_deleted', 'creative deleted'), ('labels_set', 'segment set for many'), ('labels_undone', 'segments set for many undone'), ('labels_imported', 'labels imported'), ('spend_imported', 'spend import started'), ('spend_deleted', 'spend import deleted')], db_index=True, max_length=32, verbose_name='action')),
                ('subject', models.CharField(blank=True, max_length=255, verbose_name='what')),
                ('address', models.CharField(blank=True, max_length=64, verbose_name='from where')),
                ('details', models.JSONField(default=dict, verbose_name='details')),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'ordering': ('-at', '-pk'),
                'default_permissions': ('view',),
            },
        ),
    ]

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("system-administration/user-groups/", views.user_groups, name="user_groups"),
    path("system-administration/user-groups/new/", views.new_group, name="new_group"),
    path("system-administration/user-groups/<int:pk>/", views.user_group, name="user_group"),
    path("system-administration/user-groups/<int:pk>/rights/", views.change_rights, name="change_rights"),
    path("system-administration/user-groups/<int:pk>/name/", views.rename_group, name="rename_group"),
    path("system-administration/user-groups/<int:pk>/people/", views.find_people, name="find_people"),
    path("system-administration/user-groups/<int:pk>/people/add/", views.add_member, name="add_member"),
    path("system-administration/user-groups/<int:pk>/people/remove/", views.remove_member, name="remove_member"),
    path("system-administration/user-groups/<int:pk>/delete/", views.delete_group, name="delete_group"),
    path("system-administration/audit-trail/", views.AuditTrail.as_view(), name="audit_trail"),
]

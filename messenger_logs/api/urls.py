from django.urls import path

from messenger_logs.api import canceling, views, writing

urlpatterns = [
    path("messages/", views.Messages.as_view(), name="messages"),
    path("messages/search/", views.MessageSearch.as_view(), name="message_search"),
    path("messages/bulk/", writing.MessagesInBulk.as_view(), name="messages_in_bulk"),
    path("messages/<int:pk>/", views.MessageDetail.as_view(), name="message"),
    path("messages/<int:pk>/cancel/", canceling.Cancel.as_view(), name="cancel"),
    path("messages/<int:pk>/deliveries/", views.Deliveries.as_view(), name="deliveries"),
    path("messages/<int:pk>/deliveries/search/", views.DeliverySearch.as_view(), name="delivery_search"),
    path("messages/<int:pk>/recipients/", writing.NewRecipients.as_view(), name="recipients"),
    path("messages/<int:pk>/statuses/", writing.StatusReports.as_view(), name="statuses"),
]

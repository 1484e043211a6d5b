"""Pages of CRQs, of install day and of the week's e-mails."""

from django.urls import URLPattern, path

from crq.views import (
    change_text,
    decision,
    documents,
    emails,
    evidence,
    follow,
    forms,
    install_day,
    listing,
    mail_delivery,
    new_deployment,
    page,
)

urlpatterns: list[URLPattern] = [
    path("crqs/", listing.crqs, name="crqs"),
    path("crqs/<str:number>/", page.crq_page, name="crq"),
    path("crqs/<str:number>/text/", change_text.page, name="crq-text"),
    path("crqs/<str:number>/evidence/", evidence.crq, name="evidence"),
    path("crqs/<str:number>/documents/<int:pk>/text/", install_day.document_text, name="document-text"),
    path("crqs/<str:number>/documents/<int:pk>/", documents.document, name="document"),
    path("crqs/<str:number>/attach/", documents.attach_files, name="attach-files"),
    path("crqs/<str:number>/attach/<str:kind>/", documents.attach, name="attach"),
    path("crqs/<str:number>/decide/", decision.decide, name="decide"),
    path("deployments/new/<int:pk>/crq/", new_deployment.step_crq, name="new-deployment-crq"),
    path("deployments/new/<int:pk>/documents/", new_deployment.step_documents, name="new-deployment-documents"),
    path("deployments/<int:pk>/", page.deployment_page, name="deployment"),
    path("deployments/<int:pk>/comments/", decision.comment, name="comment"),
    path("deployments/<int:pk>/news/", decision.news, name="news"),
    path("deployments/<int:pk>/crq/", forms.open_crq, name="open-crq"),
    path("deployments/<int:pk>/merge/", forms.merge, name="merge"),
    path("deployments/<int:pk>/follow/", follow.follow, name="follow"),
    path("deployments/<int:pk>/move/", forms.move, name="move"),
    path("weeks/<date:thursday>/evidence/", evidence.week, name="week-evidence"),
    path("weeks/<date:thursday>/install/", install_day.page, name="install-day"),
    path("emails/", emails.index, name="emails"),
    path("emails/<date:thursday>/<str:kind>/", emails.of_week, name="week-mail"),
    path("emails/delivery/", mail_delivery.page, name="email-delivery"),
    path("emails/<int:pk>/", emails.announcement, name="announcement"),
    path("emails/<int:pk>/preview/", emails.preview, name="announcement-preview"),
]

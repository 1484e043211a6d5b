"""Pages of CRQs, of install day and of the week's e-mails."""

from django.urls import URLPattern, path

from crq.views import (
    change_text,
    decision,
    documents,
    elsewhere,
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
    path("crqs/<code:number>/", page.crq_page, name="crq"),
    path("crqs/<code:number>/text/", change_text.page, name="crq-text"),
    path("crqs/<code:number>/number-there/", elsewhere.number, name="crq-number-there"),
    path("crqs/<code:number>/evidence/", evidence.crq, name="evidence"),
    path("crqs/<code:number>/documents/<key:pk>/text/", install_day.document_text, name="document-text"),
    path("crqs/<code:number>/documents/<key:pk>/there/", elsewhere.attached, name="attached-there"),
    path("crqs/<code:number>/documents/<key:pk>/", documents.document, name="document"),
    path("crqs/<code:number>/attach/", documents.attach_files, name="attach-files"),
    path("crqs/<code:number>/attach/<str:kind>/", documents.attach, name="attach"),
    path("crqs/<code:number>/decide/", decision.decide, name="decide"),
    path("deployments/new/<key:pk>/crq/", new_deployment.step_crq, name="new-deployment-crq"),
    path("deployments/new/<key:pk>/documents/", new_deployment.step_documents, name="new-deployment-documents"),
    path("deployments/<key:pk>/", page.deployment_page, name="deployment"),
    path("deployments/<key:pk>/comments/", decision.comment, name="comment"),
    path("deployments/<key:pk>/news/", decision.news, name="news"),
    path("deployments/<key:pk>/crq/", forms.open_crq, name="open-crq"),
    path("deployments/<key:pk>/merge/", forms.merge, name="merge"),
    path("deployments/<key:pk>/follow/", follow.follow, name="follow"),
    path("deployments/<key:pk>/move/", forms.move, name="move"),
    path("weeks/<date:thursday>/evidence/", evidence.week, name="week-evidence"),
    path("weeks/<date:thursday>/install/", install_day.page, name="install-day"),
    path("emails/", emails.index, name="emails"),
    path("emails/<date:thursday>/<str:kind>/", emails.of_week, name="week-mail"),
    path("emails/delivery/", mail_delivery.page, name="email-delivery"),
    path("emails/<key:pk>/", emails.announcement, name="announcement"),
    path("emails/<key:pk>/preview/", emails.preview, name="announcement-preview"),
]

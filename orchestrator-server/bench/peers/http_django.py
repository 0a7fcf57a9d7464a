"""Django: a task from memory."""

from django.conf import settings

settings.configure(
    DEBUG=False,
    SECRET_KEY="only measured, never used",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)

from django.core.wsgi import get_wsgi_application  # noqa: E402, it needs the settings
from django.http import Http404, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

tasks = {
    n: {"id": n, "title": f"task {n}", "status": "ready", "priority": n % 5, "agent": "bench"} for n in range(1000)
}


def get(_request, task_id):
    if task_id not in tasks:
        raise Http404
    return JsonResponse(tasks[task_id])


urlpatterns = [path("api/v1/tasks/<int:task_id>", get)]
application = get_wsgi_application()

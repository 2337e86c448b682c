{# A dense pathway reads the event list itself: there is no queue to fill. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
{% endblock %}

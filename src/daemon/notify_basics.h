// What all notifiers are made with.
#pragma once

#include "daemon/notify_http.h"
#include "daemon/notify_on.h"
#include "daemon/notify_text.h"

namespace pgstow {

struct NotifyBasics {
  Wording wording;
  NotifyOn on = {};
  HttpOptions http = {};
  Patience patience = {};
};

}  // namespace pgstow

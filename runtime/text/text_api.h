// The check of a model's text tables when it is opened, by the codec that is linked.
#pragma once

#include "runtime/core/tables.h"

namespace decant::rt {

decant_status checkText(const Tables &tables, const Message &message);

} // namespace decant::rt

// The second half of checkTables(): entries, steps and the memory that each buffer reaches.
#pragma once

#include "runtime/core/tables.h"

namespace decant::rt {

/// Needs every range of the tables to be checked already.
decant_status checkPlan(const Tables &tables, const char *file, const Message &message);

} // namespace decant::rt

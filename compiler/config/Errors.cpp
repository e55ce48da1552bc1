#include "compiler/config/Errors.h"

char decant::UserError::ID = 0;

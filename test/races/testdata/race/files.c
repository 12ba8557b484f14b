#include "race.h"

const struct attack file_attacks[] = {{0}};

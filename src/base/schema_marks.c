/* Which members of an object, or items of an array, were evaluated: for unevaluatedProperties and unevaluatedItems. */
#include "base/memory.h"
#include "base/schema_run.h"

int obs__marks_init(obs__schema_marks *marks, const json_t *value)
{
    *marks = (obs__schema_marks){.count = json_is_array(value) ? json_array_size(value) : json_object_size(value)};
    if (marks->count <= 64)
        return 1;
    marks->many = obs__calloc((marks->count + 63) / 64, sizeof(uint64_t));
    return marks->many != NULL;
}

void obs__marks_free(obs__schema_marks *marks)
{
    obs__free(marks->many);
    marks->many = NULL;
}

static uint64_t *word_of(obs__schema_marks *marks, size_t index)
{
    return marks->many ? &marks->many[index / 64] : &marks->few;
}

void obs__marks_set(obs__schema_marks *marks, size_t index)
{
    if (marks && index < marks->count)
        *word_of(marks, index) |= (uint64_t)1 << (index % 64);
}

int obs__marks_has(const obs__schema_marks *marks, size_t index)
{
    uint64_t word = marks->many ? marks->many[index / 64] : marks->few;
    return (int)(word >> (index % 64) & 1);
}

void obs__marks_merge(obs__schema_marks *to, const obs__schema_marks *from)
{
    if (!to)
        return;
    for (size_t i = 0; i < to->count; i += 64)
        *word_of(to, i) |= from->many ? from->many[i / 64] : from->few;
}

/* Lists of effects. */
#include "journal/journal.h"

void obs__effects_add(obs__effects *effects, obs__effect *effect)
{
    effect->next = NULL;
    if (effects->last)
        effects->last->next = effect;
    else
        effects->first = effect;
    effects->last = effect;
}

void obs__effects_move(obs__effects *to, obs__effects *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (obs__effects){0};
}

void obs__effects_free(obs__effects *effects)
{
    for (obs__effect *effect = effects->first, *next; effect; effect = next) {
        next = effect->next;
        effect->ops->free(effect);
    }
    *effects = (obs__effects){0};
}

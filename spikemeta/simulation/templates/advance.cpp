Clock* const clocks[] = {CLOCKS};
                const size_t n_clocks = sizeof(clocks)/sizeof(*clocks);
                std::vector< std::pair<size_t, codeobj_func> > objects;
                for (const auto& object : NETWORK.objects)
                    if (object.second)
                        objects.emplace_back(std::find(clocks, clocks + n_clocks, object.first) - clocks, object.second);
                std::vector< std::vector<codeobj_func> > lists((size_t)1 << n_clocks);  // by the clocks that are due, as bits
                for (size_t due = 1; due < lists.size(); due++)
                    for (const auto& object : objects) if (due >> object.first & 1) lists[due].push_back(object.second);
                const double start = done*dt, end = start + (next - done)*dt;
                for (Clock* clock : clocks) clock->set_interval(start, end);
                for (;;) {
                    Clock* earliest = clocks[0];
                    for (Clock* clock : clocks) if (clock->t[0] < earliest->t[0]) earliest = clock;
                    if (!earliest->running()) break;
                    size_t due = 0;
                    for (size_t k = 0; k < n_clocks; k++)
                        due |= (size_t)(std::fabs(clocks[k]->t[0] - earliest->t[0]) <= 1e-14) << k;
                    for (const codeobj_func object : lists[due]) object();
                    for (size_t k = 0; k < n_clocks; k++) if (due >> k & 1) clocks[k]->tick();
                }
                done = next;

Clock* const clocks[] = {CLOCKS};
                const size_t n_clocks = sizeof(clocks)/sizeof(*clocks);
                std::vector< std::pair<size_t, codeobj_func> > objects;
                for (const auto& object : NETWORK.objects)
                    if (object.second)
                        objects.emplace_back(std::find(clocks, clocks + n_clocks, object.first) - clocks, object.second);
                bool due[n_clocks];
                const double start = done*dt, end = start + (next - done)*dt;
                for (Clock* clock : clocks) clock->set_interval(start, end);
                for (;;) {
                    Clock* earliest = clocks[0];
                    for (Clock* clock : clocks) if (clock->t[0] < earliest->t[0]) earliest = clock;
                    if (!earliest->running()) break;
                    for (size_t k = 0; k < n_clocks; k++)
                        due[k] = std::fabs(clocks[k]->t[0] - earliest->t[0]) <= 1e-14;
                    for (const auto& object : objects) if (due[object.first]) object.second();
                    for (size_t k = 0; k < n_clocks; k++) if (due[k]) clocks[k]->tick();
                }
                done = next;

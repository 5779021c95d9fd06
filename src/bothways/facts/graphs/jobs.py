"""Three hundred job titles."""

JOBS = tuple(
    title.strip()
    for title in """
accountant, actor, actuary, acupuncturist, administrator, aerospace engineer, agronomist, air traffic controller,
ambulance driver, anaesthetist, analyst, animator, anthropologist, arborist, archaeologist, architect, archivist, art
director, assessor, astronomer, athlete, attorney, auctioneer, audiologist, auditor, author, baker, bank clerk,
barber, barista, bartender, beekeeper, biochemist, biologist, blacksmith, boat builder, bookbinder, bookkeeper,
bookseller, botanist, bricklayer, broadcaster, broker, builder, bus driver, butcher, butler, buyer, cabinetmaker,
camera operator, cardiologist, caretaker, carpenter, carpet fitter, cartographer, cartoonist, cashier, caterer,
ceramicist, chauffeur, cheesemaker, chef, chemist, childminder, chiropodist, choreographer, civil engineer, cleaner,
clockmaker, coach, coastguard, cobbler, columnist, comedian, composer, conductor, confectioner, conservator,
consultant, cook, cooper, copywriter, coroner, costume designer, counsellor, courier, crane operator, critic, curator,
customs officer, dairy farmer, dancer, data scientist, decorator, deckhand, demographer, dental nurse, dentist,
dermatologist, detective, dietitian, diplomat, director, dispatcher, diver, dog trainer, draughtsman, dressmaker,
driller, driving instructor, ecologist, economist, editor, electrician, embalmer, embroiderer, engraver, entomologist,
epidemiologist, estate agent, estimator, excavator operator, falconer, farmer, farrier, film producer, financier,
firefighter, fisherman, fitter, flight attendant, florist, footballer, forester, foundry worker, freight agent,
fundraiser, furrier, gamekeeper, garden designer, gardener, geneticist, geographer, geologist, glassblower, glazier,
goldsmith, grocer, groom, guide, gunsmith, hairdresser, harbour master, hatter, herbalist, historian, horticulturist,
hotelier, housekeeper, hydrologist, illustrator, immunologist, insurance agent, interior designer, interpreter,
inventor, investigator, ironmonger, janitor, jeweller, jockey, joiner, journalist, judge, juggler, kennel keeper,
knitter, laboratory assistant, lacemaker, land surveyor, laundry worker, leather worker, lecturer, lens grinder,
librarian, lifeguard, lighting technician, linguist, locksmith, logger, lorry driver, magician, magistrate, mail
carrier, maltster, manicurist, marine biologist, mason, masseur, mathematician, mechanic, metallurgist, meteorologist,
microbiologist, midwife, miller, milliner, miner, model, mortician, museum guide, music teacher, musician, navigator,
neurologist, newsreader, notary, novelist, nurse, nutritionist, oceanographer, oncologist, optician, orchardist,
organist, ornithologist, orthodontist, osteopath, paediatrician, painter, paramedic, park ranger, pathologist, pattern
cutter, paver, pharmacist, philosopher, photographer, physicist, physiotherapist, pianist, picture framer, pilot,
planner, plasterer, playwright, plumber, podiatrist, poet, police officer, potter, printer, probation officer,
producer, projectionist, proofreader, prosecutor, psychiatrist, psychologist, publicist, publisher, puppeteer, quality
inspector, quarry worker, radiographer, radiologist, rail engineer, receptionist, recruiter, referee, removal worker,
reporter, restorer, rigger, roofer, rope maker, saddler, sailor, sculptor, seamstress, secretary, security guard, set
designer, shepherd, shipwright, shoemaker, shopkeeper, signwriter, silversmith, singer, social worker, sociologist,
software developer, soldier, solicitor, sound engineer, speech therapist, spinner, stage manager, statistician,
steelworker, stonemason, storyteller, street sweeper, structural engineer, surgeon, surveyor, swimmer, tailor, tanner,
tattooist, tax adviser, taxi driver, taxidermist, technical writer, telephonist, thatcher, tiler, toolmaker, town
planner, toymaker, translator, tree surgeon, truck driver, tutor, typesetter, undertaker, upholsterer, urologist,
usher, valuer, vet, vicar, violinist, virologist, waiter, warden, watchmaker, weaver, web designer, welder, window
cleaner, winemaker, woodcarver, youth worker, zoologist, zookeeper
""".replace("\n", " ").split(",")
)[:300]

//! One command in, one handler. What a command means is in its room; here is only who answers it.

use crate::error;
use crate::kernel::{Kernel, Open};
use crate::{
    activity, home, jobs, library, memory, pages, privacy, remote, review, roles, search, settings, shelf, spaces,
    turn, vault, watch,
};
use hearth_api as api;
use hearth_api::{Done, Error, ErrorCode, Handler};
use hearth_domain::{ConversationId, DocumentId, ModelId, SpaceId, TurnId, VersionId};

macro_rules! answers {
    ($($command:ident($house:ident, $c:ident) $body:block)+) => { $(
        impl Handler<api::$command> for Kernel {
            fn handle(&self, $c: api::$command) -> Result<<api::$command as api::Command>::Reply, Error> {
                let $house = &self.house;
                crate::roles::may($house, stringify!($command))?;
                $body
            }
        }
    )+ };
}

answers! {
    GetVault(house, _c) { Ok(house.vault_state()) }
    CreateVault(house, c) { vault::create(house, c.passphrase) }
    UnlockVault(house, c) { vault::unlock(house, c.passphrase) }
    LockVault(house, _c) {
        house.lock_vault("Locked by a person");
        Ok(house.vault_state())
    }
    ChangePassphrase(house, c) { vault::change(house, c.current, c.new) }

    GetStatus(house, _c) { Ok(home::status(house)) }
    GetSettings(house, _c) { settings::load(&*house.open()?) }
    SetSettings(house, c) {
        if c.settings.keep_traces_days.is_some() {
            // What is erased is the organization's matter, or whoever makes the rules.
            roles::need(house, hearth_policy::Right::Rule)?;
        }
        let settings = settings::change(&*house.open()?, c.settings)?;
        house.tell_status();
        Ok(settings)
    }
    GetDoctor(house, _c) { Ok(crate::doctor::examine(house)) }
    RepairVault(house, _c) { crate::repair::repair(house) }

    ListSpaces(house, _c) { spaces::list(&*house.open()?) }
    CreateSpace(house, c) { spaces::create(house, &c.name) }
    RenameSpace(house, c) { spaces::rename(house, SpaceId(c.space), &c.name) }
    SetSpaceLabel(house, c) {
        spaces::set_label(house, SpaceId(c.space), crate::view::label_from(c.label), c.confirmed)
    }
    GetHome(house, c) { home::home(&*house.open()?, SpaceId(c.space)) }
    ListConversations(house, c) {
        let rows = house.open()?.store.read(|reader| reader.conversations(SpaceId(c.space), 500)).map_err(error::store)?;
        Ok(rows.into_iter().map(conversation_row).collect())
    }
    GetConversation(house, c) { conversation(&*house.open()?, ConversationId(c.conversation)) }
    RenameConversation(house, c) {
        let title = spaces::named(&c.title)?;
        house.open()?.store.write(|writer| writer.rename_conversation(ConversationId(c.conversation), &title)).map_err(error::store)?;
        house.events.stale(&["ListConversations", "GetConversation"]);
        Ok(Done {})
    }
    RemoveConversation(house, c) {
        house.open()?.store.write(|writer| writer.remove_conversation(ConversationId(c.conversation), crate::clock::now_ms())).map_err(error::store)?;
        house.events.stale(&["ListConversations"]);
        Ok(Done {})
    }
    RestoreConversation(house, c) {
        house.open()?.store.write(|writer| writer.restore_conversation(ConversationId(c.conversation))).map_err(error::store)?;
        house.events.stale(&["ListConversations"]);
        Ok(Done {})
    }

    Ask(house, c) {
        turn::ask(house, turn::Question {
            space: SpaceId(c.space),
            conversation: c.conversation.map(ConversationId),
            text: c.text,
            attachments: c.attachments.into_iter().map(DocumentId).collect(),
            grounding: c.grounding,
            instead_of: None,
            only: None,
        })
    }
    StopTurn(house, c) {
        turn::stop(house, c.turn)?;
        Ok(Done {})
    }
    Regenerate(house, c) { turn::again(house, c.turn, None, c.grounding) }
    EditQuestion(house, c) { turn::again(house, c.turn, Some(c.text), None) }
    HandToPerson(house, c) { review::hand_over(house, TurnId(c.turn), c.to.as_deref()) }
    ListReviews(house, c) { review::list(&*house.open()?, SpaceId(c.space), c.all) }
    AssignReview(house, c) { review::assign(house, c.review, c.to.as_deref()) }
    AnswerReview(house, c) { review::answer(house, c.review, &c.answer, &c.by) }
    DismissReview(house, c) { review::let_go(house, c.review) }
    ReopenReview(house, c) { review::take_up(house, c.review) }
    Search(house, c) { search::search(house, &*house.open()?, SpaceId(c.space), &c.text, c.limit as usize) }

    ChooseFiles(house, c) {
        let dialogs = house.config.dialogs.clone().ok_or_else(no_dialogs)?;
        let paths = dialogs.files(c.folder);
        if paths.is_empty() { Ok(None) } else { house.offers.paths(paths).map(Some) }
    }
    OfferFiles(house, c) {
        use base64::Engine as _;
        house.open()?;
        let engine = base64::engine::general_purpose::STANDARD;
        let files = c.files.into_iter().map(|file| {
            let bytes = engine.decode(file.base64.as_bytes());
            bytes.map(|bytes| (file.name, bytes)).map_err(|_| Error::new(ErrorCode::Invalid, "These bytes are not base64."))
        });
        house.offers.bytes(files.collect::<Result<_, _>>()?, "handed over by the page")
    }
    OfferText(house, c) {
        house.open()?;
        let name = if c.name.contains('.') { c.name } else { format!("{}.txt", c.name) };
        house.offers.bytes(vec![(name, c.text.into_bytes())], "pasted")
    }
    ImportOffer(house, c) {
        jobs::import_offer(house, c.offer, SpaceId(c.space), c.destination, c.label.map(crate::view::label_from))
    }
    DropOffer(house, c) {
        // Letting go of what is gone already is fine.
        let _ = house.offers.take(c.offer);
        Ok(Done {})
    }
    ListJobs(house, c) { jobs::list(&*house.open()?, SpaceId(c.space)) }
    CancelJobs(house, c) {
        jobs::cancel(house, &c.jobs)?;
        Ok(Done {})
    }
    RetryJob(house, c) { jobs::retry(house, c.job, c.password) }
    DismissJobs(house, c) {
        jobs::dismiss(house, &c.jobs)?;
        Ok(Done {})
    }
    ListDocuments(house, c) {
        library::list(&*house.open()?, library::Wanted {
            space: SpaceId(c.space),
            text: c.text,
            labels: c.labels.into_iter().map(crate::view::label_from).collect(),
            kinds: c.kinds.into_iter().map(crate::view::kind_from).collect(),
            limit: c.limit as usize,
        })
    }
    GetDocument(house, c) { library::detail(&*house.open()?, DocumentId(c.document)) }
    RemoveDocuments(house, c) {
        library::remove(house, &c.documents)?;
        Ok(Done {})
    }
    RestoreDocuments(house, c) {
        library::restore(house, &c.documents)?;
        Ok(Done {})
    }
    SetLabel(house, c) {
        library::set_label(house, DocumentId(c.document), crate::view::label_from(c.label), c.confirmed)?;
        Ok(Done {})
    }
    JudgeAlike(house, c) {
        crate::near::judge(house, c.document, c.other, c.relation)?;
        Ok(Done {})
    }
    OpenVersion(house, c) { pages::open_version(&*house.open()?, DocumentId(c.document), c.version.map(VersionId)) }
    GetPage(house, c) { pages::page(house, &*house.open()?, VersionId(c.version), c.page, c.width_px, &c.spans) }
    CompareVersions(house, c) { crate::compare::versions(&*house.open()?, VersionId(c.from), VersionId(c.to)) }
    FindInVersion(house, c) { pages::find(&*house.open()?, VersionId(c.version), &c.text) }

    ListWatched(house, c) { watch::list(&*house.open()?, SpaceId(c.space)) }
    ChooseWatched(house, c) {
        let dialogs = house.config.dialogs.clone().ok_or_else(no_dialogs)?;
        let label = c.label.map(crate::view::label_from);
        dialogs.files(true).iter().map(|path| watch::add(house, path, SpaceId(c.space), label)).collect()
    }
    WatchOffer(house, c) {
        let label = c.label.map(crate::view::label_from);
        let folders = house.offers.folders(c.offer);
        if folders.is_empty() {
            return Err(Error::new(ErrorCode::NotFound, "No folder was handed over.").hint("Choose the folder anew."));
        }
        folders.iter().map(|path| watch::add(house, path, SpaceId(c.space), label)).collect()
    }
    PauseWatched(house, c) { watch::pause(house, c.folder, c.paused) }
    CheckWatched(house, c) { watch::check(house, c.folder) }
    StopWatching(house, c) {
        watch::stop(house, c.folder, c.remove)?;
        Ok(Done {})
    }

    ListMemories(house, c) { memory::list(&*house.open()?, SpaceId(c.space)) }
    Remember(house, c) { memory::remember(house, c.space.map(SpaceId), &c.text, None) }
    Forget(house, c) {
        memory::forget(house, &c.memories)?;
        Ok(Done {})
    }
    RestoreMemories(house, c) {
        memory::restore(house, &c.memories)?;
        Ok(Done {})
    }

    ListModels(house, _c) { shelf::list(house) }
    DownloadModel(house, c) { crate::downloads::start(house, &ModelId(c.model)) }
    PauseDownload(house, c) {
        let id = ModelId(c.model);
        house.downloads.pause(&id);
        shelf::view(house, &id)
    }
    CancelDownload(house, c) {
        let id = ModelId(c.model);
        house.downloads.discard(house.models.root(), &id)?;
        shelf::view(house, &id)
    }
    AddModel(house, _c) {
        let dialogs = house.config.dialogs.clone().ok_or_else(no_dialogs)?;
        dialogs.model_file().map(|path| house.models.add(house, &path)).transpose()
    }
    RemoveModel(house, c) {
        house.models.remove(house, &ModelId(c.model))?;
        Ok(Done {})
    }
    SetRole(house, c) {
        let id = ModelId(c.model);
        house.models.set_role(crate::view::role_from(c.role), id.clone())?;
        house.schedule.forgive(&id);
        if c.role == hearth_api::Role::Draft
            && let Ok(chat) = house.models.for_role(hearth_domain::Role::Chat)
        {
            // Who guesses is settled when the model is loaded.
            house.schedule.unload(&chat.id, house.peek().as_deref());
        }
        house.events.stale(&["ListModels"]);
        house.tell_status();
        Ok(Done {})
    }
    LoadModel(house, c) {
        let id = ModelId(c.model);
        let model = house.models.find(&id).ok_or_else(|| error::missing("model"))?;
        house.schedule.engine(house, &model)?;
        shelf::view(house, &id)
    }
    UnloadModel(house, c) {
        let id = ModelId(c.model);
        house.schedule.unload(&id, house.peek().as_deref());
        house.tell_status();
        shelf::view(house, &id)
    }
    CompareModels(house, c) { crate::contest::begin(house, c) }
    ListContests(house, _c) { crate::contest::list(&*house.open()?) }
    GetContest(house, c) { crate::contest::show(&*house.open()?, c.contest) }
    ChooseAnswer(house, c) { crate::contest::choose(house, c.question, c.choice) }
    StopContest(house, c) {
        crate::contest::stop(&*house.open()?, c.contest);
        Ok(Done {})
    }
    ResumeContest(house, c) { crate::contest::resume(house, c.contest) }
    MeasureModel(house, c) { crate::trial::measure(house, &ModelId(c.model)) }
    SetContext(house, c) {
        let id = ModelId(c.model);
        if house.schedule.loaded(&id).is_some_and(|engine| engine.is_busy()) {
            return Err(Error::new(ErrorCode::InUse, "This model is at work, and its context is settled when it is loaded.")
                .hint("Choose when it has ended."));
        }
        house.models.set_context(&id, c.context)?;
        // A context is settled when the model is loaded.
        house.schedule.unload(&id, house.peek().as_deref());
        house.events.stale(&["ListModels"]);
        house.tell_status();
        shelf::view(house, &id)
    }
    ListFoundModels(house, _c) { Ok(crate::found::list(house)) }
    AddFoundModel(house, c) { crate::found::add(house, &c.model) }

    ListActivity(house, c) {
        let text = c.text.as_deref().filter(|text| !text.trim().is_empty());
        roles::may_search_record(house, text)?;
        let time = c.from_ms.unwrap_or(i64::MIN)..c.until_ms.unwrap_or(i64::MAX);
        Ok(roles::veiled(house, activity::list(&*house.open()?, c.before, c.limit as usize, text, time)?))
    }
    GetTrace(house, c) { activity::trace(&*house.open()?, TurnId(c.turn)).map(|trace| roles::veiled_trace(house, trace)) }
    VerifyAudit(house, _c) { activity::verify(&*house.open()?) }
    CheckAnchor(house, c) { activity::check_anchor(&*house.open()?, &c.anchor) }
    MakeAnchor(house, _c) { activity::anchor(&*house.open()?) }
    ReplayTurn(house, c) { crate::replay::replay(house, TurnId(c.turn)) }
    GetLineage(house, c) { crate::lineage::of_turn(&*house.open()?, TurnId(c.turn)) }
    ListUses(house, c) { crate::lineage::of_document(&*house.open()?, DocumentId(c.document)) }
    GetMetrics(house, c) { crate::metrics::metrics(house, &*house.open()?, crate::metrics::time(c.from_ms, c.until_ms)) }
    ExportRecord(house, c) {
        roles::may_search_record(house, c.text.as_deref().filter(|text| !text.trim().is_empty()))?;
        if c.content {
            roles::need(house, hearth_policy::Right::Read)?;
        }
        let wanted = crate::export::Wanted {
            text: c.text.filter(|text| !text.trim().is_empty()),
            time: c.from_ms.unwrap_or(i64::MIN)..c.until_ms.unwrap_or(i64::MAX),
            content: c.content,
            confirmed: c.confirmed,
        };
        crate::export::export(house, &*house.open()?, c.format, &wanted)
    }
    SaveFile(house, c) { crate::export::save(house, &c.file) }
    GetCollector(house, _c) { crate::collector::view(&*house.open()?) }
    SetCollector(house, c) { crate::collector::set(house, c.address.as_deref()) }
    MakeReport(house, c) { crate::report::report(house, &*house.open()?, c.format, c.from_ms..c.until_ms) }
    GetPrivacy(house, _c) { privacy::show(house, &*house.open()?) }
    SetMode(house, c) { privacy::set_mode(house, c.mode) }
    SetRules(house, c) { privacy::set_rules(house, &c.text) }
    AddRules(house, c) { privacy::add_rules(house, &c.text) }
    RemoveRule(house, c) { privacy::remove_rule(house, &c.name) }
    TryRules(house, c) { privacy::try_rules(house, &c.text, c.sample.as_deref()) }
    AddGrant(house, c) { privacy::grant(house, &c) }
    WithdrawGrant(house, c) { privacy::withdraw(house, c.grant) }

    ListProviders(house, _c) { remote::list(house) }
    SetProvider(house, c) { remote::set(house, c.provider) }
    RemoveProvider(house, c) { remote::remove(house, &c.provider) }
    TestProvider(house, c) { remote::test(house, &c.provider, c.confirmed) }
    SetBudget(house, c) { remote::set_budget(house, &c.budget) }
    PreviewRemote(house, c) { remote::show(house, c) }
    SendRemote(house, c) { remote::send(house, c.preview, &c.text, c.confirmed) }
}

fn no_dialogs() -> Error {
    Error::new(ErrorCode::Unavailable, "This window has no file dialogs.").hint("Drop the files on it instead.")
}

/// A name that a person gave: one line, not empty, not endless.
/// A line of the conversation list at the door.
pub(crate) fn conversation_row(row: hearth_store::ConversationRow) -> api::ConversationRow {
    let hearth_store::ConversationRow { id, space: _, title, created_ms: _, updated_ms, turns } = row;
    api::ConversationRow { id: id.0, title, updated_ms, turns }
}

fn conversation(open: &Open, id: ConversationId) -> Result<api::Conversation, Error> {
    open.store
        .read(|reader| {
            let Some(row) = reader.conversation(id)? else { return Ok(None) };
            let turns = reader.turns(id)?.into_iter().filter(|turn| turn.replaced_by.is_none());
            let turns = turns.map(|turn| turn::shown(reader, turn)).collect();
            Ok(Some(api::Conversation { id: row.id.0, space: row.space.0, title: row.title, turns }))
        })
        .map_err(error::store)?
        .ok_or_else(|| error::missing("conversation"))
}

//! The one table of commands. From it come the request types, the trait that the kernel implements (a forgotten
//! handler does not compile) and the TypeScript.

use super::*;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One thing the interface may ask.
pub trait Command {
    /// What is answered.
    type Reply: Serialize + TS;
    /// Its name on the wire.
    const NAME: &'static str;
}

/// Answers one command. Blocks; shells call it off their own threads.
pub trait Handler<C: Command> {
    /// Answers, or says what failed and what to do.
    fn handle(&self, command: C) -> Result<C::Reply, Error>;
}

macro_rules! commands {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $fdoc:literal])* $field:ident : $ty:ty),* $(,)? } -> $reply:ty;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
            #[allow(missing_docs)]
            pub struct $name { $($(#[doc = $fdoc])* pub $field: $ty),* }
            impl Command for $name { type Reply = $reply; const NAME: &'static str = stringify!($name); }
        )+

        /// Any command, as it arrives at a shell: `{"name": "...", "args": {...}}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name", content = "args")]
        #[allow(missing_docs)]
        pub enum AnyCommand { $($name($name)),+ }

        impl AnyCommand {
            /// The command's name on the wire.
            pub fn name(&self) -> &'static str {
                match self { $(AnyCommand::$name(_) => stringify!($name)),+ }
            }
        }

        /// The names of all commands on the wire, in the order of the table.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),+];

        /// A kernel answers all of them: forgetting one does not compile.
        pub trait Commands: $(Handler<$name> +)+ {
            /// Answers any command with its reply as JSON.
            fn dispatch(&self, command: AnyCommand) -> Result<serde_json::Value, Error> {
                match command {
                    $(AnyCommand::$name(command) => {
                        let reply = self.handle(command)?;
                        serde_json::to_value(reply)
                            .map_err(|error| Error::new(ErrorCode::Internal, format!("The reply could not be written: {error}")))
                    })+
                }
            }
        }

        impl<T> Commands for T where T: $(Handler<$name> +)+ {}

        pub(crate) fn typescript_map(config: &ts_rs::Config) -> String {
            let mut out = String::from("/** Every command: its arguments and its reply. */\nexport type CommandMap = {\n");
            $(
                out.push_str(&ts_rs_doc(&[$($doc),+]));
                out.push_str(&format!("  {}: {{ args: {}; reply: {} }};\n", <$name as Command>::NAME, <$name as TS>::inline(config), <$reply as TS>::name(config)));
            )+
            out.push_str("};\n");
            out
        }
    };
}

fn ts_rs_doc(lines: &[&str]) -> String {
    let text: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    format!("  /** {} */\n", text.join(" "))
}

/// Nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Done {}

commands! {
    // --- the vault
    /// How the vault stands. Works when locked.
    GetVault {} -> VaultState;
    /// Makes the vault, locked by a passphrase, or by this machine's keyring when none is given.
    CreateVault { passphrase: Option<String> } -> VaultState;
    /// Opens the vault by passphrase, or by this machine's keyring when none is given.
    UnlockVault { passphrase: Option<String> } -> VaultState;
    /// Locks the vault at once: engines stop, running turns are kept as stopped.
    LockVault {} -> VaultState;
    /// Changes what opens the vault; `None` is this machine's keyring.
    ChangePassphrase { current: Option<String>, new: Option<String> } -> VaultState;

    // --- what is always on screen
    /// What the status bar states. Works when locked.
    GetStatus {} -> Status;
    /// What a person chose for the interface.
    GetSettings {} -> Settings;
    /// Changes the settings that are given.
    SetSettings { settings: Settings } -> Settings;
    /// What works on this machine and what does not. Works when locked.
    GetDoctor {} -> Vec<Finding>;
    /// Rebuilds a damaged vault from what can be read, and says what came of it. A vault that is whole is left alone.
    RepairVault {} -> Vec<Finding>;

    // --- spaces and conversations
    /// All spaces.
    ListSpaces {} -> Vec<Space>;
    /// Makes a space.
    CreateSpace { name: String } -> Space;
    /// Renames a space.
    RenameSpace { space: i64, name: String } -> Space;
    /// Changes the least that everything in a space has; lowering needs `confirmed`. What is less guarded in it rises.
    SetSpaceLabel { space: i64, label: Label, confirmed: bool } -> Space;
    /// The home screen of a space.
    GetHome { space: i64 } -> Home;
    /// Conversations of a space, newest first.
    ListConversations { space: i64 } -> Vec<ConversationRow>;
    /// One conversation, whole.
    GetConversation { conversation: i64 } -> Conversation;
    /// Renames a conversation.
    RenameConversation { conversation: i64, title: String } -> Done;
    /// Removes a conversation; it can be put back until Hearth is started anew.
    RemoveConversation { conversation: i64 } -> Done;
    /// Puts a removed conversation back.
    RestoreConversation { conversation: i64 } -> Done;

    // --- asking
    /// Asks; the answer arrives as events of the turn. Without a conversation a new one begins.
    Ask { space: i64, conversation: Option<i64>, text: String, attachments: Vec<i64>, grounding: Grounding } -> Asked;
    /// Stops a turn; what was written is kept and checked.
    StopTurn { turn: i64 } -> Done;
    /// Answers the last question of its conversation again, in place of this turn.
    Regenerate { turn: i64, grounding: Option<Grounding> } -> Asked;
    /// Replaces the last question of its conversation and answers the new one.
    EditQuestion { turn: i64, text: String } -> Asked;
    /// Hands an answer to a person, to look at what the documents do not say; once for each turn.
    HandToPerson { turn: i64, to: Option<String> } -> Review;
    /// What waits for a person in a space; with `all` also what was answered or let go.
    ListReviews { space: i64, all: bool } -> Vec<Review>;
    /// Says who is to look at it; nobody in particular with none.
    AssignReview { review: i64, to: Option<String> } -> Review;
    /// Answers it. The answer becomes a document that later questions find and cite, with who gave it and when.
    AnswerReview { review: i64, answer: String, by: String } -> Review;
    /// Lets it go; it can be taken up again.
    DismissReview { review: i64 } -> Review;
    /// Takes up what was let go.
    ReopenReview { review: i64 } -> Review;
    /// Finds passages, conversations and documents as a person types.
    Search { space: i64, text: String, limit: u32 } -> Hits;

    // --- documents
    /// Opens the system's file dialog; none when a person cancels it. Desktop only.
    ChooseFiles { folder: bool } -> Option<Offer>;
    /// Hands over bytes from the page (paste, or a browser's drop).
    OfferFiles { files: Vec<OfferedFile> } -> Offer;
    /// Hands over pasted text as a document.
    OfferText { name: String, text: String } -> Offer;
    /// Starts reading what was offered: one job for each file.
    ImportOffer { offer: i64, space: i64, destination: Destination, label: Option<Label> } -> Vec<Job>;
    /// Lets an offer go.
    DropOffer { offer: i64 } -> Done;
    /// Jobs of a space that are under way, failed, or ended since the list was last cleared.
    ListJobs { space: i64 } -> Vec<Job>;
    /// Stops jobs and lets their files go.
    CancelJobs { jobs: Vec<i64> } -> Done;
    /// Tries a failed job again, with a password where one is needed (used once, not kept).
    RetryJob { job: i64, password: Option<String> } -> Job;
    /// Takes ended or failed jobs off the list.
    DismissJobs { jobs: Vec<i64> } -> Done;
    /// The library's table: documents, and files that have not become one.
    ListDocuments { space: i64, text: Option<String>, labels: Vec<Label>, kinds: Vec<Kind>, limit: u32 } -> Library;
    /// What the inspector shows.
    GetDocument { document: i64 } -> DocumentDetail;
    /// Removes documents from every answer at once; they can be put back until Hearth is started anew.
    RemoveDocuments { documents: Vec<i64> } -> Done;
    /// Puts removed documents back.
    RestoreDocuments { documents: Vec<i64> } -> Done;
    /// Changes a label; lowering it needs `confirmed`.
    SetLabel { document: i64, label: Label, confirmed: bool } -> Done;
    /// Says what another document, found nearly the same, is to one. The later revision comes first in answers.
    JudgeAlike { document: i64, other: i64, relation: Relation } -> Done;
    /// Opens a version in the viewer; without one, the document's current version.
    OpenVersion { document: i64, version: Option<i64> } -> OpenedVersion;
    /// One page, with a picture `width_px` wide for paged formats (0: none), and boxes for the spans asked for.
    GetPage { version: i64, page: u32, width_px: u32, spans: Vec<Span> } -> PageView;
    /// What changed from one version to another, of the same document or of two.
    CompareVersions { from: i64, to: i64 } -> Comparison;
    /// Stretches of a version's text that match, for find: at most 200.
    FindInVersion { version: i64, text: String } -> Vec<Span>;

    /// The folders that a space stays in step with.
    ListWatched { space: i64 } -> Vec<WatchedFolder>;
    /// Opens the system's dialog for folders to stay in step with; none when a person cancels it. Desktop only.
    ChooseWatched { space: i64, label: Option<Label> } -> Vec<WatchedFolder>;
    /// Stays in step with the folders of an offer, whether it was imported or not.
    WatchOffer { offer: i64, space: i64, label: Option<Label> } -> Vec<WatchedFolder>;
    /// Sets a watched folder aside, or takes it up again.
    PauseWatched { folder: i64, paused: bool } -> WatchedFolder;
    /// Looks a watched folder over at once.
    CheckWatched { folder: i64 } -> WatchedFolder;
    /// Stops watching a folder; its documents stay, or are removed (and can be put back until Hearth is started anew).
    StopWatching { folder: i64, remove: bool } -> Done;

    // --- memory
    /// Memories that apply in a space.
    ListMemories { space: i64 } -> Vec<Memory>;
    /// Keeps a sentence, for a space or everywhere.
    Remember { space: Option<i64>, text: String } -> Memory;
    /// Forgets memories; for ten seconds they can be put back, then they are erased.
    Forget { memories: Vec<i64> } -> Done;
    /// Puts forgotten memories back.
    RestoreMemories { memories: Vec<i64> } -> Done;

    // --- models
    /// The models screen.
    ListModels {} -> Models;
    /// Fetches a model of the catalogue, or goes on with a paused download.
    DownloadModel { model: String } -> Model;
    /// Sets a download aside; what is there is kept.
    PauseDownload { model: String } -> Model;
    /// Ends a download and throws away what is there.
    CancelDownload { model: String } -> Model;
    /// Opens the system's dialog to add a model from a file. Desktop only.
    AddModel {} -> Option<Model>;
    /// Removes an installed model's files.
    RemoveModel { model: String } -> Done;
    /// Gives a part to an installed model. Nobody has to play `draft` or `code`: an empty name takes such a part away.
    SetRole { role: Role, model: String } -> Done;
    /// Loads a model into memory.
    LoadModel { model: String } -> Model;
    /// Unloads a model.
    UnloadModel { model: String } -> Model;
    /// Runs a model for a few seconds and keeps what it took: time to load, speeds, memory. Blocks meanwhile.
    MeasureModel { model: String } -> Model;
    /// Chooses how many tokens of context a model has, within its own; nothing leaves it to the model.
    SetContext { model: String, context: Option<u32> } -> Model;
    /// Asks two installed models the same questions, one after the other in the background, by the same recipe and with
    /// the same passages. `blind` hides their names until a person chose.
    CompareModels { space: i64, first: String, second: String, questions: Vec<String>, blind: bool } -> Contest;
    /// Comparisons of models, newest first.
    ListContests {} -> Vec<ContestRow>;
    /// One comparison of models with its answers.
    GetContest { contest: i64 } -> Contest;
    /// Keeps which answer to a question of a comparison is better. It can be chosen again; earlier choices are kept.
    ChooseAnswer { question: i64, choice: Preferred } -> Contest;
    /// Asks no more questions of a comparison.
    StopContest { contest: i64 } -> Done;
    /// Asks the questions of a comparison that it was stopped before, or that the program ended before.
    ResumeContest { contest: i64 } -> Contest;
    /// Models that other programs keep on this machine.
    ListFoundModels {} -> Vec<FoundModel>;
    /// Uses one of those where it lies, without copying it.
    AddFoundModel { model: String } -> Model;

    // --- the record and the rules
    /// Entries of the record, newest first, before a place in the chain.
    ListActivity { before: Option<u64>, limit: u32, text: Option<String>, from_ms: Option<i64>, until_ms: Option<i64> } -> Vec<AuditEntry>;
    /// One turn as a waterfall.
    GetTrace { turn: i64 } -> Trace;
    /// Checks the whole chain.
    VerifyAudit {} -> AuditCheck;
    /// Compares the record with a signed end of it that was kept elsewhere.
    CheckAnchor { anchor: Anchor } -> AnchorView;
    /// The signed end of the record as it is now, to be kept elsewhere.
    MakeAnchor {} -> Anchor;
    /// Runs a turn again with the same model, passages, prompt, settings and seed, and compares. The turn stays as it is;
    /// that it was replayed is noted in the record. Blocks meanwhile.
    ReplayTurn { turn: i64 } -> Replay;
    /// Where an answer came from.
    GetLineage { turn: i64 } -> Lineage;
    /// Every answer that used a document: whom to tell if it was wrong. Newest first.
    ListUses { document: i64 } -> Vec<DocumentUse>;
    /// Figures of a time from the kept record; the last 30 days without one. They never leave this machine.
    GetMetrics { from_ms: Option<i64>, until_ms: Option<i64> } -> Metrics;
    /// Entries of the record as a file, by the same filters as the list. Text of questions and answers is left out unless
    /// `content` asks for it, which a rule may ask about; text of documents is never in it.
    ExportRecord { format: ExportFormat, text: Option<String>, from_ms: Option<i64>, until_ms: Option<i64>, content: bool, confirmed: bool } -> ExportedFile;
    /// A compliance report of a time, made from the record alone and checked against it.
    MakeReport { format: ReportFormat, from_ms: i64, until_ms: i64 } -> ExportedFile;
    /// The collector on this machine that is told how questions were worked on, if any.
    GetCollector {} -> Collector;
    /// Names that collector, or nobody, and greets it with no spans to see whether it answers.
    SetCollector { address: Option<String> } -> Collector;
    /// Opens the system's dialog to keep such a file, and writes it there; the path, or none when a person cancels. Desktop
    /// only: a browser saves by itself.
    SaveFile { file: ExportedFile } -> Option<String>;
    /// What holds now.
    GetPrivacy {} -> Privacy;
    /// Chooses the mode.
    SetMode { mode: Mode } -> Privacy;
    /// Takes a person's own rules (Cedar) in place of those before. Rules with a flaw are refused, each with its line, and
    /// those before stay.
    SetRules { text: String } -> Privacy;
    /// Adds rules (Cedar) to a person's own. Rules with a flaw, or of a name that there is, are refused.
    AddRules { text: String } -> Privacy;
    /// Takes one of a person's own rules away, by its name.
    RemoveRule { name: String } -> Privacy;
    /// What other rules would have decided of the requests of the last thirty days, and of sending a sample text. Changes
    /// nothing.
    TryRules { text: String, sample: Option<String> } -> RuleTrial;
    /// Gives leave for what would otherwise be asked: an action, to one thing or all, in one space or all, up to a label, for
    /// some hours (at most thirty days), also while text from the web or from a tool is in play.
    AddGrant { action: String, thing: Option<String>, space: Option<i64>, label: Label, hours: u32, untrusted: bool } -> Privacy;
    /// Withdraws a grant.
    WithdrawGrant { grant: i64 } -> Privacy;

    // --- models elsewhere
    /// Who may be asked, and what it may cost.
    ListProviders {} -> Providers;
    /// Sets a provider up, or changes one. The key is kept in the system's keyring, else sealed in the vault.
    SetProvider { provider: NewProvider } -> Providers;
    /// Forgets a provider and its key.
    RemoveProvider { provider: String } -> Providers;
    /// Sends a few fixed words to a provider, to see whether it answers. Without `confirmed` it says what would be sent.
    TestProvider { provider: String, confirmed: bool } -> ProviderTest;
    /// Sets what may be spent.
    SetBudget { budget: Budget } -> Providers;
    /// Exactly what would leave if a stronger model were asked about a turn. `text` is the text as a person edited it; `hide`
    /// names words that they want hidden besides. Sends nothing.
    PreviewRemote { turn: i64, provider: String, text: Option<String>, hide: Vec<String> } -> RemotePreview;
    /// Sends what a preview showed, `text` being what it showed; the answer arrives as events of the turn. If it does not
    /// come, the answer made here stands.
    SendRemote { preview: i64, text: String, confirmed: bool } -> Asked;
}
